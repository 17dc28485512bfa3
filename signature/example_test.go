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
