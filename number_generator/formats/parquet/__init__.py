"""Parquet files, as Hugging Face reads them."""
