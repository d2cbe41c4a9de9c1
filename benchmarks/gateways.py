"""The table of gateways: each in front of the same upstream, on one core, in one process."""

import sys
from pathlib import Path

import exchange
import peers
import upstream
from servers import FOLDER, REPOSITORY, Server

UPSTREAM_KEY = "sk-upstream"

NGINX = """
daemon off; master_process off; pid nginx.pid; error_log stderr error;
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path nginx-body; proxy_temp_path nginx-proxy;
  fastcgi_temp_path nginx-fastcgi; uwsgi_temp_path nginx-uwsgi; scgi_temp_path nginx-scgi;
  client_body_buffer_size 64k; keepalive_requests 1000000000;
  upstream stub { server %s; keepalive 128; keepalive_requests 1000000000; }
  server {
    listen %s:{port};
    location / {
      proxy_pass http://stub; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header Authorization "Bearer %s"; proxy_buffering off;
    }
  }
}
"""

LITELLM = """
model_list:
  - model_name: %s
    litellm_params: {model: openai/%s, api_base: "http://%s/v1", api_key: %s}
general_settings: {master_key: %s}
"""


def nginx(address: str, folder: Path) -> Server:
    """Nginx with `proxy_pass`: what the machine can do; it checks no key."""
    command = [peers.nginx(), "-p", str(folder), "-e", "stderr", "-c", str(folder / "nginx.conf")]
    content = NGINX % (address, exchange.HOST, UPSTREAM_KEY)
    return Server("nginx", command, {}, "/v1/models", files={"nginx.conf": content})


def bytes_proxy(address: str) -> Server:
    """FastAPI and aiohttp on the ASGI server that ours runs on; it checks no key."""
    options = ["--http", "httptools", "--loop", "uvloop", "--no-access-log"]
    command = [sys.executable, "-m", "uvicorn", "bytes_proxy:app", "--app-dir", str(FOLDER)]
    command += ["--host", exchange.HOST, "--port", "{port}", *options]
    return Server("bytes", command, {"UPSTREAM": f"http://{address}"}, "/health")


def ours(address: str) -> Server:
    """Our server with key check, allow-list, metrics, and a log line a request into a file."""
    environment = {
        "PYTHONPATH": str(REPOSITORY),
        "OPENAI_BASE_URL": f"http://{address}/v1",
        "OPENAI_API_KEY": UPSTREAM_KEY,
        "ENABLE_AUTH": "true",
        "API_KEY_SECRET": exchange.API_KEY,
        "ALLOWED_MODELS": f"{upstream.MODEL},o4-*,text-embedding-*",
    }
    command = [sys.executable, "-m", "adapter", "serve", "--backend", "openai", "--port", "{port}"]
    return Server("ours", command, environment, "/health")


def portkey(program: str, address: str) -> Server:
    """Portkey's gateway, told by headers where to go; it has no keys of its own."""
    headers = {
        "x-portkey-provider": "openai",
        "x-portkey-custom-host": f"http://{address}/v1",
        "Authorization": f"Bearer {UPSTREAM_KEY}",
    }
    command = ["node", program, "--headless", "--port={port}"]
    return Server("portkey", command, {"NODE_ENV": "production"}, "/", headers)


def litellm(program: str, address: str) -> Server:
    """LiteLLM's proxy with a master key, one worker and no database."""
    content = LITELLM % (upstream.MODEL, upstream.MODEL, address, UPSTREAM_KEY, exchange.API_KEY)
    command = [program, "--config", "litellm.yaml", "--num_workers", "1"]
    command += ["--host", exchange.HOST, "--port", "{port}"]
    environment = {
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",
    }
    files = {"litellm.yaml": content}
    return Server("litellm", command, environment, "/health/liveliness", files=files)
