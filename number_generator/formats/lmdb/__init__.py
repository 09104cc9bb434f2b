"""LMDB, as PARSeq and PaddleOCR read it."""
