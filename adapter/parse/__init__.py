"""OpenAI's shapes in, `GenerationRequest` out; every refusal of a request's form stands here.

| file | does |
|---|---|
| `body.py` | bytes to a wire model, or a 400 that names the field |
| `chat.py`, `completion.py` | a wire model to generation requests, with the rules between fields |
| `tools.py` | tools, functions and tool choices |
| `schemas.py` | whether a client's JSON schema is one |
| `support.py` | refuses what the backend cannot honour |
"""
