# Runs the main job:
#     docker build -t analognas . && docker run --rm -v "$PWD/runs:/home/user/runs" analognas
# and any command: docker run --rm -v "$PWD:/home/user/here" -w /home/user/here analognas search my.yaml
FROM python:3.11-slim AS base
RUN apt-get update && apt-get install --yes --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/analognas
COPY scripts/constraints.txt scripts/constraints.txt
COPY pyproject.toml README.md LICENSE ./
COPY analognas analognas
COPY hwsim hwsim
COPY search_spaces search_spaces
COPY surrogates surrogates
RUN pip install --no-cache-dir --constraint scripts/constraints.txt . && (pip uninstall --yes nvidia-nccl-cu12 || true)
COPY configs configs
RUN useradd --create-home user && cp -r configs /home/user/configs && mkdir /home/user/runs && chown -R user /home/user
USER user
WORKDIR /home/user
ENTRYPOINT ["analognas"]
CMD ["search", "configs/digits.yaml"]
