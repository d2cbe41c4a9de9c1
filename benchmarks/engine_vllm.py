"""vLLM for the CPU in process."""

from importlib import import_module
from typing import Any

from engine_measure import Generate, Plan, Prompt, main


def load(plan: Plan) -> Generate:
    """The model in bf16, as vLLM sets itself up, but for a window that fits the cache."""
    vllm: Any = import_module("vllm")
    engine = vllm.LLM(
        model=plan.model,
        dtype="bfloat16",
        max_model_len=int(plan.options["window"]),
        max_num_seqs=int(plan.options["slots"]),
        disable_log_stats=True,
    )

    def generate(prompts: list[Prompt], new_tokens: int) -> list[list[int]]:
        sampling = vllm.SamplingParams(
            temperature=0, max_tokens=new_tokens, ignore_eos=True, detokenize=False
        )
        asked = [{"prompt_token_ids": prompt} for prompt in prompts]
        answers = engine.generate(asked, sampling, use_tqdm=False)
        return [list(answer.outputs[0].token_ids) for answer in answers]

    return generate


if __name__ == "__main__":
    main(load)
