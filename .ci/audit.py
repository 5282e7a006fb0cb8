"""Ask whether what sknet needs at run time has a known vulnerability.

The packages are those of ``.venv-wheel``, where ``make wheel`` has installed our wheel
and nothing else. pip-audit asks PyPI, and if PyPI does not know each of them, OSV.

Exit status: 0, each package was audited and none is known to be vulnerable; 1, a
vulnerability is known; 2, nobody could be asked. A continuous job without network may
take the third as no failure (``--allow-unreachable``), but it is told.
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
    """Return lines ``name==version``: what a user gets with sknet."""
    freeze = [TRIAL / "bin" / "python", "-m", "pip", "freeze", "--exclude", "sknet-mlp"]
    done = subprocess.run(freeze, capture_output=True, text=True, check=True)
    return done.stdout


def ask(service, requirements):
    """Return what pip-audit prints: a report in JSON, and complaints."""
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
    """Return the known vulnerabilities of a report, and why it is not complete.

    pip-audit calls a package that its service did not answer for *skipped*, and adds
    "No known vulnerabilities found": a mirror without the service looks like good news.
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
    """Ask one service after the other; return the exit status and what to print."""
    lines = []
    for service in SERVICES:
        found, gap = read(*ask(service, requirements))
        if found:
            return FOUND, ["VULNERABLE", *found]
        if not gap:
            names = ", ".join(requirements.split())
            return CLEAN, [f"no known vulnerability, says {service}, in {names}"]
        lines.append(f"  {service}: {gap}")
    return NOT_AUDITED, ["NOT AUDITED: no service could be asked.", *lines]


def main():
    """Audit, print, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--allow-unreachable", action="store_true")
    options = parser.parse_args()

    status, lines = audit(installed())
    print("\n".join(lines))
    return 0 if status == NOT_AUDITED and options.allow_unreachable else status


if __name__ == "__main__":
    sys.exit(main())
