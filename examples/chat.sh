#!/bin/sh
# A chat with curl, whole and then streamed. Usage: examples/chat.sh [base URL]
base=${1:-http://127.0.0.1:8000/v1}

curl --fail --silent --show-error "$base/chat/completions" \
    --header 'Content-Type: application/json' \
    --data '{"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello from curl"}]}'

echo
curl --fail --silent --show-error --no-buffer "$base/chat/completions" \
    --header 'Content-Type: application/json' \
    --data '{"model": "gpt-4o", "stream": true, "messages": [{"role": "user", "content": "Hello again"}]}'
