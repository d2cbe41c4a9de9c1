# Serves the mock on port 8000; see docker-compose.yml and .env.example for the settings.
FROM python:3.11-slim AS build
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY adapter adapter
COPY backends backends
COPY contract_tests contract_tests
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir -c constraints.txt .

FROM python:3.11-slim
COPY --from=build /venv /venv
RUN useradd --create-home adapter
USER adapter
WORKDIR /home/adapter
ENV HOST=0.0.0.0 PORT=8000 BACKEND=mock
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s \
    CMD ["/venv/bin/python", "-c", "import os, urllib.request as u; u.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/readyz')"]
ENTRYPOINT ["/venv/bin/adapter"]
CMD ["serve"]
