"""The contract suite: proves any server's base URL against the OpenAI API, over HTTP alone."""
