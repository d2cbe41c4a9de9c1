"""The engine: sequences in, tokens out.

| file | holds |
|---|---|
| `engine.py` | `Engine`: its thread, submitting, cancelling, handing over |
| `admission.py` | who may come in, and when the others should come back |
| `stepping.py` | `Stepper`: a step from plan to progress |
| `scheduler.py` | which sequences run, and what each does in a step |
| `shares.py` | how a step's prompt tokens are divided |
| `budget.py` | how many there may be, by measured time |
| `blocks.py` | the pool of cache blocks, and the prefixes kept in it |
| `steps.py` | from a plan to tensors |
| `run.py` | one sequence, and what a step brings it |
| `loaded.py` | what a loader hands over |
| `statistics.py` | what metrics read |
"""
