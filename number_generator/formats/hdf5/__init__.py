"""HDF5 files in chunks, and the index that joins shards."""
