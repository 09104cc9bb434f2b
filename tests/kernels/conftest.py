"""The tests of the kernels are not traced: coverage leaves compiled code out, and tracing slows all of Python."""


def pytest_itemcollected(item):
    item.add_marker("no_cover")
