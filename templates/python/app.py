import os

from ampoule import Context, Request, Response


def http(request: Request, context: Context) -> Response:
    """GET /{{name}}/?name=you"""
    print(f"{request.method} {request.path} ({context.id})")
    if request.method == "POST":
        return Response(200, [], request.body or b"")
    name = request.query.get("name", ["world"])[0]
    return Response.text(200, f"{os.environ.get('GREETING', 'Hello')}, {name}!\n")


def invoke(payload, context: Context):
    """ampoule invoke {{name}} --data '{"numbers":[1,2,3]}'"""
    return {"sum": sum(payload["numbers"])}
