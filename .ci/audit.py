"""Check sknet's run-time dependencies for known vulnerabilities.

The packages are those in ``.venv-wheel``, where ``make wheel`` has installed only the
wheel of sknet. pip-audit queries PyPI and, if PyPI does not cover every package, OSV.
It is not called directly, because it reports "No known vulnerabilities found" even if
its service did not answer.

Exit status: 0, every package was audited and none is known to be vulnerable; 1, a
vulnerability is known; 2, no service covered every package. A continuous integration
job without network may accept the last (``--allow-unreachable``); it is still reported.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path


TRIAL = Path(__file__).resolve().parents[1] / ".venv-wheel"
SERVICES = ("pypi", "osv")
CLEAN, FOUND, NOT_AUDITED = range(3)


def installed():
    """Return lines ``name==version`` of the packages that are installed with sknet."""
    freeze = [TRIAL / "bin" / "python", "-m", "pip", "freeze", "--exclude", "sknet-mlp"]
    done = subprocess.run(freeze, capture_output=True, text=True, check=True)
    return done.stdout


def ask(service, requirements):
    """Return pip-audit's output: a report in JSON, and error messages."""
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder, "requirements.txt")
        listed.write_text(requirements)
        command = [
            sys.executable,
            "-m",
            "pip_audit",
            "--vulnerability-service",
            service,
        ]
        command += ["--requirement", str(listed), "--no-deps", "--disable-pip"]
        command += ["--format", "json", "--progress-spinner", "off"]
        done = subprocess.run(command, capture_output=True, text=True)
    return done.stdout, done.stderr


def read(report, complaints):
    """Return the known vulnerabilities in a report, and why it is incomplete.

    If its service does not answer for a package, pip-audit marks the package as
    *skipped* and still prints "No known vulnerabilities found": a mirror without the
    service would pass.
    """
    try:
        packages = json.loads(report)["dependencies"]
    except (ValueError, KeyError):
        last = complaints.strip().splitlines()[-1:]
        return [], "".join(last) or "no report"
    found = [
        f"{package['name']} {package['version']}: {known['id']}"
        + f", fixed in {', '.join(known['fix_versions']) or 'no release'}"
        for package in packages
        for known in package.get("vulns", ())
    ]
    skipped = [package for package in packages if "skip_reason" in package]
    if skipped:
        first = skipped[0]["skip_reason"]
        return found, f"no answer for {len(skipped)} of {len(packages)}: {first}"
    return found, "" if packages else "no packages"


def audit(requirements, ask=ask):
    """Query the services in turn; return the exit status and the lines to print."""
    lines = []
    for service in SERVICES:
        found, gap = read(*ask(service, requirements))
        if found:
            return FOUND, ["VULNERABLE", *found]
        if not gap:
            names = ", ".join(requirements.split())
            return CLEAN, [f"no known vulnerability according to {service} in {names}"]
        lines.append(f"  {service}: {gap}")
    return NOT_AUDITED, ["NOT AUDITED: no service covered every package.", *lines]


def main():
    """Audit, print the result and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--allow-unreachable", action="store_true")
    options = parser.parse_args()

    status, lines = audit(installed())
    print("\n".join(lines))
    return 0 if status == NOT_AUDITED and options.allow_unreachable else status


if __name__ == "__main__":
    sys.exit(main())
