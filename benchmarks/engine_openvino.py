"""OpenVINO GenAI in process: its continuous batching, from a GGUF file of the same weights."""

from importlib import import_module
from typing import Any

from engine_measure import Generate, Plan, Prompt, main

CACHE_GB = 1


def load(plan: Plan) -> Generate:
    """The model as the pipeline reads it."""
    genai: Any = import_module("openvino_genai")
    openvino: Any = import_module("openvino")
    numpy: Any = import_module("numpy")
    scheduler = genai.SchedulerConfig()
    scheduler.cache_size = CACHE_GB
    scheduler.max_num_seqs = plan.most
    pipeline = genai.ContinuousBatchingPipeline(plan.options["gguf"], scheduler, "CPU")

    def generate(prompts: list[Prompt], new_tokens: int) -> list[list[int]]:
        config = genai.GenerationConfig()
        config.max_new_tokens = new_tokens
        config.ignore_eos = True
        config.do_sample = False
        asked = [openvino.Tensor(numpy.array([prompt], numpy.int64)) for prompt in prompts]
        answers = pipeline.generate(asked, [config] * len(asked))
        return [list(answer.m_generation_ids[0]) for answer in answers]

    return generate


if __name__ == "__main__":
    main(load)
