"""Servers that stand in for vLLM and LoRAX: they follow their documented APIs, errors included, and answer
with the log-probabilities of a real model into which the adapter was merged.
"""

from __future__ import annotations

import copy
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import torch

from seal.models import load_model
from seal.training import merge
from seal.training.adapter import load_peft

Reply = tuple[int, Any]


class LoraServerDouble:
    """`updating`: runtime updates are allowed. `sees`: the folder that it sees as /adapters (None: all).
    `exchanges`: it mixes adapters up, and answers by the base. `noise`: of its arithmetic, in nats.
    """

    def __init__(self, kind: str, model: str, key: str = "") -> None:
        self.kind, self.key = kind, key
        self.model, self.tokenizer = load_model(model)
        self.updating, self.exchanges, self.noise = True, False, 0.0
        self.sees: Path | None = None
        self.loaded: dict[str, str] = {}
        self.merged: dict[str, Any] = {}
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._serve(0)

    def _serve(self, port: int) -> None:
        double = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                double.calls.append((self.path, body))
                if double.key and self.headers.get("Authorization") != f"Bearer {double.key}":
                    self._send(401, {"error": "Unauthorized"})
                else:
                    self._send(*double.reply(self.path, body))

            def do_GET(self) -> None:
                known = double.kind == "lorax" and self.path == "/info"
                self._send(*((200, {"model_id": "m", "version": "0.12"}) if known else NO_ROUTE))

            def _send(self, status: int, told: Any) -> None:
                data = told.encode() if isinstance(told, str) else json.dumps(told).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.port = self.server.server_port
        self.url = f"http://127.0.0.1:{self.port}/v1"
        threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        ).start()

    def goes_away(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def comes_back(self) -> None:
        """What it had loaded is gone, as after a start."""
        self.loaded.clear()
        self._serve(self.port)

    def reply(self, path: str, body: dict[str, Any]) -> Reply:
        routes = {
            "vllm": {
                "/v1/load_lora_adapter": self._load,
                "/v1/unload_lora_adapter": self._unload,
                "/v1/completions": self._complete,
            },
            "lorax": {"/generate": self._generate},
        }[self.kind]
        if not self.updating and path != "/v1/completions":
            return NO_ROUTE
        return routes[path](body) if path in routes else NO_ROUTE

    # vLLM

    def _load(self, body: dict[str, Any]) -> Reply:
        name, path = body.get("lora_name"), body.get("lora_path")
        if not name or not path:
            return vllm_error(400, "InvalidUserInput", "Both 'lora_name' and 'lora_path' must be provided.")
        if name in self.loaded:
            said = f"The lora adapter '{name}' has already been loaded. If you want to load the adapter in "
            return vllm_error(400, "InvalidUserInput", f"{said}place, set 'load_inplace' to True.")
        if self._folder(path) is None:
            return vllm_error(
                404, "NotFoundError", f"Loading lora {name} failed: No adapter found for {path}"
            )
        self.loaded[name] = path
        return 200, f"Success: LoRA adapter '{name}' added successfully."

    def _unload(self, body: dict[str, Any]) -> Reply:
        name = body["lora_name"]
        if name not in self.loaded:
            return vllm_error(404, "NotFoundError", f"The lora adapter '{name}' cannot be found.")
        del self.loaded[name]
        return 200, f"Success: LoRA adapter '{name}' removed successfully."

    def _complete(self, body: dict[str, Any]) -> Reply:
        name = body["model"]
        if name not in self.loaded:
            return vllm_error(404, "NotFoundError", f"The model `{name}` does not exist.")
        assert body["echo"] and body["max_tokens"] == 1
        logs = self._logs(self.loaded[name], body["prompt"])
        told = {"token_logprobs": [None, *logs, -1.0], "tokens": []}
        return 200, {"choices": [{"text": "", "logprobs": told}]}

    # LoRAX

    def _generate(self, body: dict[str, Any]) -> Reply:
        told = body["parameters"]
        assert told["details"] and told["decoder_input_details"] and told["adapter_source"] == "local"
        if self._folder(told["adapter_id"]) is None:
            said = f"Request failed during generation: No local weights found in {told['adapter_id']}"
            return 424, {"error": said, "error_type": "generation"}
        self.loaded[told["adapter_id"]] = told["adapter_id"]
        ids = self.tokenizer(body["inputs"])["input_ids"]
        logs = [None, *self._logs(told["adapter_id"], ids)]
        prefill = [{"id": i, "text": "", "logprob": log} for i, log in zip(ids, logs, strict=True)]
        return 200, {"generated_text": "", "details": {"prefill": prefill, "tokens": []}}

    def _folder(self, path: str) -> Path | None:
        """The adapter's folder, if the server sees it."""
        there = Path(path)
        if self.sees is not None:
            there = self.sees / there.name if path.startswith("/adapters/") else Path("/nowhere")
        return there if (there / "adapter_config.json").is_file() else None

    def _logs(self, path: str, ids: list[int]) -> list[float]:
        model = self.model
        if not self.exchanges:
            if path not in self.merged:
                folder = self._folder(path)
                assert folder is not None
                self.merged[path] = copy.deepcopy(self.model)
                merge(self.merged[path], load_peft(folder, self.merged[path]))
            model = self.merged[path]
        with torch.inference_mode():
            logs = model(torch.tensor([ids])).logits[0].log_softmax(-1)
        found = [float(logs[i, token]) for i, token in enumerate(ids[1:])]
        return [log + (self.noise if n % 2 else -self.noise) for n, log in enumerate(found)]


NO_ROUTE: Reply = (404, {"detail": "Not Found"})


def vllm_error(status: int, kind: str, message: str) -> Reply:
    return status, {"error": {"message": message, "type": kind, "param": None, "code": status}}
