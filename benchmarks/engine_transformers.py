"""`generate` of transformers in process."""

from importlib import import_module
from typing import Any

from engine_measure import Generate, Plan, Prompt, main


def load(plan: Plan) -> Generate:
    """The model in bf16, with the attention that transformers takes by itself."""
    torch: Any = import_module("torch")
    transformers: Any = import_module("transformers")
    torch.set_num_threads(plan.threads)
    model = transformers.AutoModelForCausalLM.from_pretrained(plan.model, dtype=torch.bfloat16)
    model.eval()

    def generate(prompts: list[Prompt], new_tokens: int) -> list[list[int]]:
        ids = torch.tensor(prompts)
        made = model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            do_sample=False,
            min_new_tokens=new_tokens,
            max_new_tokens=new_tokens,
            pad_token_id=0,
        )
        tokens: list[list[int]] = made[:, ids.shape[1] :].tolist()
        return tokens

    return generate


if __name__ == "__main__":
    main(load)
