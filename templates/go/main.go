package main

import (
	"fmt"
	"log"
	"os"

	"function/ampoule"
)

type Numbers struct {
	Numbers []float64 `json:"numbers"`
}

type Sum struct {
	Sum float64 `json:"sum"`
}

func init() {
	ampoule.HTTP(greet)
	ampoule.Invoke(add)
}

// GET /{{name}}/?name=you
func greet(request *ampoule.Request, context *ampoule.Context) (*ampoule.Response, error) {
	log.Printf("%s %s (%s)", request.Method, request.Path(), context.ID)
	if request.Method == "POST" {
		return &ampoule.Response{Status: 200, Body: request.Body}, nil
	}
	name := request.Query().Get("name")
	if name == "" {
		name = "world"
	}
	return ampoule.Text(200, fmt.Sprintf("%s, %s!\n", os.Getenv("GREETING"), name)), nil
}

// ampoule invoke {{name}} --data '{"numbers":[1,2,3]}'
func add(payload Numbers, _ *ampoule.Context) (sum Sum, err error) {
	if payload.Numbers == nil {
		return sum, &ampoule.Error{Name: "BadPayload", Message: "numbers is no list"}
	}
	for _, number := range payload.Numbers {
		sum.Sum += number
	}
	return sum, nil
}

// Never called: handlers are registered in init.
func main() {}
