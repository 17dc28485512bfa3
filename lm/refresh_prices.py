"""Write prices.json from the table of models that the installed DSPy carries: `make prices`.

Only models that the host can ask are kept, with what they cost per million tokens:
input, output, and input that the provider has in its cache, where it is known.
"""

from __future__ import annotations

import datetime
import gzip
import importlib.metadata
import importlib.resources
import json
import pathlib
import sys
from typing import Any

# Those of the providers in address.go that have prices.
PROVIDERS = {"anthropic", "azure", "deepseek", "gemini", "groq", "moonshot", "openai", "xai"}
MODES = {"chat", "responses"}


def per_million(cost: float) -> float:
    """Turn a price of one token into that of a million, without the noise of binary fractions."""
    return float(f"{cost * 1e6:.6g}")


def row(entry: dict[str, Any]) -> list[float] | None:
    """Give what a model costs, None if that is not known or it is no model to talk to. 0 is not known."""
    given, taken = entry.get("input_cost_per_token"), entry.get("output_cost_per_token")
    if entry.get("mode") not in MODES or not given or not taken:
        return None
    cached = entry.get("cache_read_input_token_cost")
    return [per_million(cost) for cost in (given, taken, cached) if cost is not None]


def main(target: pathlib.Path) -> None:
    """Read the table, write the file and say how many models it has."""
    folder = importlib.resources.files("dspy.clients") / "model_metadata"
    entries = json.loads(gzip.decompress((folder / "snapshot.json.gz").read_bytes()))
    provenance = json.loads((folder / "provenance.json").read_text())
    models: dict[str, list[float]] = {}
    for name, entry in sorted(entries.items()):
        provider = entry.get("litellm_provider") if isinstance(entry, dict) else None
        if provider not in PROVIDERS or (price := row(entry)) is None:
            continue
        full = name if name.startswith(f"{provider}/") else f"{provider}/{name}"
        if full == name or full not in entries:
            models[full] = price
    source = f"the price table of LiteLLM {provenance.get('version', '')}".rstrip()
    head = {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "source": f"{source} (MIT), as DSPy {importlib.metadata.version('dspy')} carries it",
        "unit": "US dollars per million tokens: input, output, and input read from the provider's cache",
    }
    lines = [f"  {json.dumps(key)}: {json.dumps(value)}," for key, value in head.items()]
    rows = ",\n".join(f"    {json.dumps(name)}: {json.dumps(price)}" for name, price in sorted(models.items()))
    target.write_text("{\n" + "\n".join(lines) + '\n  "models": {\n' + rows + "\n  }\n}\n")
    sys.stderr.write(f"{len(models)} prices in {target}\n")


if __name__ == "__main__":
    main(pathlib.Path(__file__).with_name("prices.json"))
