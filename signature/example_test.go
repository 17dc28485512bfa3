package signature_test

import (
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/dspool/dspool/signature"
)

func ExampleParse() {
	sig, err := signature.Parse("question, k: int -> answer: str, mood: Literal['good', 'bad'] | None")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(sig)
	_, err = sig.CheckOutput(json.RawMessage(`{"answer":"x","mood":"so so"}`))
	fmt.Println(err)
	// Output:
	// question: str, k: int -> answer: str, mood: Literal['good', 'bad'] | None
	// output_invalid: output.mood: expected one of "good", "bad", found the string "so so"
}

func ExampleOf() {
	type Question struct {
		Text string   `json:"text" jsonschema:"what to answer"`
		Tags []string `json:"tags,omitempty"`
	}
	type Answer struct {
		Text  string  `json:"answer"`
		Score float64 `json:"score" dspool:"min=0,max=1"`
	}
	sig, err := signature.Of(reflect.TypeFor[Question](), reflect.TypeFor[Answer]())
	fmt.Println(sig, err)
	// Output: text: str, tags: list[str] | None -> answer: str, score: float <nil>
}

func ExampleFromJSON() {
	sig, err := signature.FromJSON(json.RawMessage(`{
		"inputs":  [{"name": "text", "type": "string", "description": "what to tag"}],
		"outputs": [{"name": "tags", "type": "list(string)", "max_items": 2}]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(sig.Describe())
	_, err = sig.CheckOutput(json.RawMessage(`{"tags":["a","b","c"]}`))
	fmt.Println(err)
	// Output:
	// text: string -> tags: list of string
	// output_invalid: output.tags: expected at most 2 items, found 3
}

func ExampleRules() {
	sig, err := signature.Parse("n: int, exact: bool -> answer")
	if err != nil {
		fmt.Println(err)
		return
	}
	rules := signature.Rules{Mode: signature.Coerce, Extra: signature.ExtraDrop}
	raw, err := sig.CheckInputBy(rules, json.RawMessage(`{"n":"42","exact":1,"trace":true}`))
	fmt.Println(string(raw), err)
	// Output: {"n":42,"exact":true} <nil>
}

func ExampleSignature_JSONSchema() {
	sig, err := signature.Parse("question -> answer: str, score: probability")
	if err != nil {
		fmt.Println(err)
		return
	}
	schema, err := sig.JSONSchema(signature.Gemini, signature.PartOutputs)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(schema.Document))
	// Output: {"type":"OBJECT","description":"Signature signature: question: str -\u003e answer: str, score: probability","properties":{"answer":{"type":"STRING"},"score":{"type":"NUMBER","minimum":0,"maximum":1}},"propertyOrdering":["answer","score"],"required":["answer","score"]}
}
