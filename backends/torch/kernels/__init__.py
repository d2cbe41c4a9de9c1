"""The fast tier on CPUs: C kernels, compiled at first use and absent where they cannot be.

| file | what |
|---|---|
| `native/` | the kernels, in C with OpenMP, AVX-512 and, where the processor has it, AMX |
| `build.py` | their sources made a library: compiled once, kept in the user's cache |
| `binding.py` | the library's functions and structures as ctypes |
| `check.py` | whether they compute what the portable tier does, before they are used |
| `load.py` | all of that: the kernels, or why there are none |
| `layout.py` | weights in the order in which the kernels read them |
| `quantize.py` | weights of 8 bits, and their product in plain torch |
| `linears.py` | products with weights, of bfloat16 and of 8 bits |
| `attention.py` | attention at one step |
| `stack.py` | all layers in one call, for steps that the kernels attend to alone |
| `ops.py` | `Ops` made of these |
"""
