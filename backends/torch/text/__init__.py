"""Text in, ids out, and back: all that knows a model's tokenizer.

| file | holds |
|---|---|
| `tokenizer.py` | `Tokenizer`: a folder's tokenizer, and the ids that end an answer |
| `pieces.py` | the bytes of each token |
| `detokenizer.py` | `Detokenizer`: text from one token at a time |
| `chat.py` | `Chat`: messages and tools as the model reads them |
| `inert.py` | what clients wrote, kept from being read as marks |
| `template.py` | a chat template in its sandbox |
| `messages.py` | the wire's messages as templates expect them |
| `hermes.py` | tools for a template that knows none |
"""
