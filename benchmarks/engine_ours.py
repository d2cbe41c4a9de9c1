"""Our engine in process: prompts and answers as token ids, no server and no text."""

from queue import SimpleQueue

from engine_measure import Generate, Plan, Prompt, main

from backends.torch.engine.engine import Engine
from backends.torch.engine.run import Progress, Run
from backends.torch.local_model import LocalModel
from backends.torch.sampling.drawing import Drawing
from backends.torch.settings import TorchSettings


def load(plan: Plan) -> Generate:
    """The engine with the settings of a server, but for those of the tier."""
    settings = TorchSettings(torch_kernels=plan.options["kernels"] == "true")
    model = LocalModel(plan.model, None, "cpu", plan.options["quantize"], settings)
    engine = Engine(
        model.load,
        max_running=settings.torch_max_running,
        max_waiting=settings.torch_max_waiting,
        stall_s=settings.torch_stall_ms / 1000,
    )
    engine.settle()
    if engine.failed is not None:
        raise engine.failed

    def generate(prompts: list[Prompt], new_tokens: int) -> list[list[int]]:
        done: SimpleQueue[Progress] = SimpleQueue()
        runs = [_run(prompt, new_tokens, done) for prompt in prompts]
        for run in runs:
            engine.submit(run)
        for _ in runs:
            error = done.get().error
            if error is not None:
                raise error
        return [run.output for run in runs]

    return generate


def _run(prompt: Prompt, new_tokens: int, done: "SimpleQueue[Progress]") -> Run:
    def deliver(progress: Progress) -> None:
        if progress.finish is not None or progress.error is not None:
            done.put(progress)

    return Run(prompt, new_tokens, Drawing(temperature=0.0), deliver)


if __name__ == "__main__":
    main(load)
