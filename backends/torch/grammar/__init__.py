"""Output that keeps to a form: which tokens may come next, by llguidance, and reading tool calls.

| file | holds |
|---|---|
| `grammars.py` | `Grammars`: the matcher that a request's format and tools need |
| `formats.py` | the grammar of a `response_format` |
| `matcher.py` | `GrammarMatcher`: one grammar in progress, as the sampler sees it |
| `tools.py` | the grammar of tool calls, as Hermes and Qwen write them |
| `schemas.py` | how JSON schemas are read, and what is refused |
| `dates.py` | dates and times that llguidance would let through and that are none |
| `cost.py` | which schemas would take llguidance too long, or break it |
| `calls.py`, `arguments.py` | `CallReader`: generated text to text and tool calls |
"""
