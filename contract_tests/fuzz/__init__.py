"""Property-based fuzzing: many requests from an OpenAPI document, judged by a few rules."""
