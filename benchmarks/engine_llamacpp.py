"""llama.cpp in process by llama-cpp-python's C interface: the high one knows no batches."""

from importlib import import_module
from typing import Any

from engine_measure import Generate, Plan, Prompt, main

BATCH_TOKENS = 2048


class Sequences:
    """A context of llama.cpp with as many sequences as the largest batch."""

    def __init__(self, plan: Plan) -> None:
        self.lib: Any = import_module("llama_cpp.llama_cpp")
        lib = self.lib
        lib.llama_backend_init()
        file, loading = plan.options["gguf"].encode(), lib.llama_model_default_params()
        loading.use_extra_bufts = False  # AMX, which crashes on some CPUs
        self.model = lib.llama_model_load_from_file(file, loading)
        params = lib.llama_context_default_params()
        params.n_ctx = max(plan.longest, plan.most * (plan.prompt_tokens + plan.new_tokens + 32))
        params.n_batch = BATCH_TOKENS
        params.n_seq_max = plan.most
        params.n_threads = params.n_threads_batch = plan.threads
        params.kv_unified = True
        self.context = lib.llama_init_from_model(self.model, params)
        if not self.context:
            raise ValueError("llama.cpp made no context")
        self.batch = lib.llama_batch_init(BATCH_TOKENS, 0, 1)
        chain = lib.llama_sampler_chain_init(lib.llama_sampler_chain_default_params())
        lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_greedy())
        self.sampler = chain

    def generate(self, prompts: list[Prompt], new_tokens: int) -> list[list[int]]:
        """All sequences a token further at each step."""
        lib = self.lib
        lib.llama_memory_clear(lib.llama_get_memory(self.context), True)
        made = self._read(prompts)
        for _ in range(new_tokens - 1):
            self.batch.n_tokens = 0
            for sequence, tokens in enumerate(made):
                self._put(tokens[-1], len(prompts[sequence]) + len(tokens) - 1, sequence, last=True)
            self._decode()
            for row, tokens in enumerate(made):
                tokens.append(self._draw(row))
        return made

    def _read(self, prompts: list[Prompt]) -> list[list[int]]:
        """The first token of each, prompts taken together as far as they fit a batch."""
        made: list[list[int]] = []
        waiting: list[int] = []
        self.batch.n_tokens = 0
        for sequence, prompt in enumerate(prompts):
            if self.batch.n_tokens + len(prompt) > BATCH_TOKENS:
                made += self._first(waiting)
            for position, token in enumerate(prompt):
                self._put(token, position, sequence, last=position == len(prompt) - 1)
            waiting.append(self.batch.n_tokens - 1)
        return made + self._first(waiting)

    def _first(self, rows: list[int]) -> list[list[int]]:
        self._decode()
        drawn = [[self._draw(row)] for row in rows]
        rows.clear()
        self.batch.n_tokens = 0
        return drawn

    def _put(self, token: int, position: int, sequence: int, *, last: bool) -> None:
        at = self.batch.n_tokens
        self.batch.token[at] = token
        self.batch.pos[at] = position
        self.batch.n_seq_id[at] = 1
        self.batch.seq_id[at][0] = sequence
        self.batch.logits[at] = last
        self.batch.n_tokens = at + 1

    def _decode(self) -> None:
        status = self.lib.llama_decode(self.context, self.batch)
        if status:
            raise ValueError(f"llama_decode gave {status}")

    def _draw(self, row: int) -> int:
        token: int = self.lib.llama_sampler_sample(self.sampler, self.context, row)
        return token


def load(plan: Plan) -> Generate:
    """The sequences of one context."""
    return Sequences(plan).generate


if __name__ == "__main__":
    main(load)
