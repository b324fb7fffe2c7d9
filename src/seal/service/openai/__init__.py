"""OpenAI's API, as its clients call it: models, chat, completions; and vLLM's routes for tokenizers.

`model_ids.py` says what a model's id means, `forms.py` what a request may hold. Read chat.py first.
"""
