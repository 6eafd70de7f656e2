"""Records what zato-apitest says of the features beside this file, scenario by scenario and step by step.

    PYTHONPATH=<zato-apitest and what it needs> python3 record.py FEATURES FILE...

FEATURES is a copy of the folder features with zato-apitest's own environment.py and steps/steps.py in it. Prints JSON:
file, line of the scenario or of the example's row, a letter for each step: P passed, F failed or an error, S skipped,
U undefined. The sample server and the environment are those of TestZatoVerdicts, which says how to start it for this.
"""
import json
import os
import sys

from behave.configuration import Configuration
from behave.runner import Runner


def main(features, *files):
    os.chdir(features)
    runner = Runner(Configuration(["--no-summary", "--format", "null", "--outfile", os.devnull, *files]))
    with open(os.devnull, "w") as nowhere:
        out, sys.stdout = sys.stdout, nowhere
        runner.run()
        sys.stdout = out
    told = {}
    for feature in runner.features:
        scenarios = told[os.path.basename(feature.filename)] = {}
        for scenario in feature.walk_scenarios():
            letters = [step.status.name[0].upper() for step in scenario.all_steps]
            scenarios[str(scenario.line)] = "".join(letters)
            if os.environ.get("WHY"):
                for step in scenario.all_steps:
                    if step.status.name == "failed":
                        print("%s:%d\t%s\t%r" % (feature.filename, scenario.line, step.name, step.exception), file=sys.stderr)
    json.dump(told, sys.stdout, indent=1)


main(*sys.argv[1:])
