"""What the machine is that the tests run on."""

import platform

import llvmlite.binding


def is_x86_with_avx2():
    return platform.machine() in ("x86_64", "AMD64") and llvmlite.binding.get_host_cpu_features().get("avx2", False)
