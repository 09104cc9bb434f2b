"""What several tests of the formats share: each way of storing a dataset."""

import pytest
from small_dataset import need

STORAGES = [
    ("pickle", "none"),
    ("hdf5", "gzip"),
    ("hdf5", "none"),
    ("npz", "none"),
    ("png", "none"),
    ("lmdb", "none"),
    ("webdataset", "none"),
    ("parquet", "none"),
]


@pytest.fixture(params=STORAGES, ids="-".join)
def storage(request):
    """Each format and compression, if its package is installed, as arguments of `open_writer`."""
    file_format, compression = request.param
    need(file_format)
    return {"file_format": file_format, "compression": compression}


@pytest.fixture(params=["png", "lmdb", "webdataset", "parquet"])
def folder_format(request):
    """Each format that is a folder, if its package is installed."""
    need(request.param)
    return request.param
