# Runs the main job; the results are yours, in runs/:
#     docker build -t analognas .
#     mkdir -p runs
#     docker run --rm --user "$(id -u):$(id -g)" -v "$PWD/runs:/search/runs" analognas
# and any command on the files of a folder:
#     docker run --rm --user "$(id -u):$(id -g)" -v "$PWD:/search" analognas search my.yaml
FROM python:3.11-slim
RUN apt-get update && apt-get install --yes --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY scripts/constraints.txt scripts/constraints.txt
COPY pyproject.toml README.md LICENSE ./
COPY analognas analognas
COPY hwsim hwsim
COPY search_spaces search_spaces
COPY surrogates surrogates
RUN pip install --no-cache-dir --constraint scripts/constraints.txt . && (pip uninstall --yes nvidia-nccl-cu12 || true)
COPY configs /search/configs
RUN mkdir -m 1777 /search/runs
# of whoever `--user` names: caches of kernels and data
ENV HOME=/tmp
WORKDIR /search
USER nobody
ENTRYPOINT ["analognas"]
CMD ["search", "configs/digits.yaml"]
