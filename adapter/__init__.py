"""The HTTP face: a FastAPI server that speaks the OpenAI API over any backend."""
