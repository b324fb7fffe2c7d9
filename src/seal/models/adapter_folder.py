"""A PEFT adapter's folder as a model: the adapter merged into its base, by `peft`; whether `peft` can do it.

Strict, because an edit that half loads is worse than none. Knows nothing about where the base is from.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from seal.errors import AdapterError, InputError, reason_of


def on_its_base(folder: Path, base: Any, tokenizer: Any) -> tuple[Any, Any]:
    """(model, tokenizer): `base`, in float32, with the adapter in its weights; the adapter's own tokenizer
    where its folder has one. Raises InputError without `peft`, AdapterError if it does not fit."""
    try:
        from peft import PeftConfig, get_peft_model
        from peft.utils.save_and_load import load_peft_weights, set_peft_model_state_dict
    except ImportError as error:
        raise InputError(
            f"{folder} is an adapter, and peft, which merges one into its base, is not installed",
            "Install: pip install peft   (or seal with its extra: pip install 'seal-lm[adapters]')",
        ) from error
    try:
        config = PeftConfig.from_pretrained(str(folder))
        config.base_model_name_or_path = base.name_or_path  # or peft warns that it is another
        adapted: Any = get_peft_model(base, config)
        weights = load_peft_weights(str(folder), device="cpu")
        told = set_peft_model_state_dict(adapted, weights)
        missing = [key for key in told.missing_keys if ".lora_" in key or ".modules_to_save." in key]
        wrong = [*missing, *told.unexpected_keys]
        if wrong or not weights:
            raise AdapterError(
                f"{folder} does not fit its base: {len(missing)} weights are missing and "
                f"{len(told.unexpected_keys)} have no place{': ' + wrong[0] if wrong else ''}",
                "Is base_model_name_or_path in its adapter_config.json the model that it was trained on?",
            )
        model = adapted.merge_and_unload()
    except AdapterError:
        raise
    except Exception as error:  # fault-tolerance point: broken files raise whatever their parsers raise
        raise AdapterError(
            f"{folder} cannot be merged into its base: {reason_of(error)}",
            "Is base_model_name_or_path in its adapter_config.json the model that it was trained on?",
        ) from error
    return model, _own_tokenizer(folder) or tokenizer


def check_peft_loads(folder: Path, model: Any) -> None:
    """Raises AdapterError if `peft` would not put every weight of an adapter's folder where it belongs.

    Of some families it takes the names of modules for others: in a mixture of experts for those of the
    experts, which are no modules any more. Tried on an empty model; nothing is said where `peft` is not
    installed.
    """
    from seal.models.decoder import Decoder

    if isinstance(model, Decoder):  # of these families all is known
        return
    try:
        from peft import PeftConfig, get_peft_model, get_peft_model_state_dict
    except ImportError:
        return
    import torch
    from safetensors import safe_open
    from transformers import AutoModelForCausalLM

    with safe_open(folder / "adapter_model.safetensors", framework="pt") as stored:
        saved = set(stored.keys())
    with torch.device("meta"):
        empty = AutoModelForCausalLM.from_config(model.config)
        try:
            with warnings.catch_warnings(action="ignore"):  # what is wrong is said below
                adapted = get_peft_model(empty, PeftConfig.from_pretrained(str(folder)))
            wrong = saved ^ get_peft_model_state_dict(adapted).keys()
            told = f"{len(wrong)} weights have no place or are missing: {min(wrong)}" if wrong else ""
        except Exception as error:  # fault-tolerance point: what it refuses, it refuses in its own ways
            told = reason_of(error)
    if told:
        raise AdapterError(
            f"peft cannot load an adapter of {type(model).__name__} on these modules: {told}",
            "Export the whole model: --merged. Or learn with other targets, such as the attention's modules.",
        )


def _own_tokenizer(folder: Path) -> Any | None:
    if not (folder / "tokenizer_config.json").is_file():
        return None
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(folder)
    except Exception as error:  # fault-tolerance point, as above
        raise InputError(f"the tokenizer in {folder} cannot be read: {error}") from error
