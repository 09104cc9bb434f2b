"""The IDX files of MNIST."""
