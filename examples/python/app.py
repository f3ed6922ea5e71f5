"""Describes numbers: curl 'http://127.0.0.1:8080/python/?numbers=1,2,3,10'"""

import json
import statistics

from ampoule import Context, Request, Response


def http(request: Request, context: Context) -> Response:
    try:
        numbers = [float(text) for text in request.query.get("numbers", [""])[0].split(",")]
    except ValueError:
        return Response.text(400, "numbers must be a list such as 1,2,3\n")
    answer = {"mean": statistics.fmean(numbers), "median": statistics.median(numbers)}
    return Response.text(200, json.dumps(answer) + "\n")
