// Counts the words of a text: curl -d 'to be or not to be' http://127.0.0.1:8080/go/
package main

import (
	"encoding/json"
	"strings"
	"unicode"

	"ampoule"
)

func init() {
	ampoule.HTTP(count)
}

func count(request *ampoule.Request, _ *ampoule.Context) (*ampoule.Response, error) {
	words := map[string]int{}
	for _, word := range strings.FieldsFunc(strings.ToLower(string(request.Body)), func(r rune) bool { return !unicode.IsLetter(r) }) {
		words[word]++
	}
	body, err := json.Marshal(words)
	if err != nil {
		return nil, err
	}
	return ampoule.Text(200, string(body)+"\n"), nil
}

// Never called: handlers are registered in init.
func main() {}
