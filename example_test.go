package dspool_test

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
)

// echo is a Runner for the examples: it answers every program with the same
// result. A real one is a Pool.
type echo string

func (e echo) Call(_ context.Context, req dspool.Request) (dspool.Response, error) {
	if err := req.Program.Validate(); err != nil {
		return dspool.Response{}, err
	}
	return dspool.Response{Output: json.RawMessage(e), Worker: "w1"}, nil
}

func (e echo) Stream(ctx context.Context, req dspool.Request) iter.Seq2[dspool.Event, error] {
	return func(yield func(dspool.Event, error) bool) {
		if !yield(dspool.Event{Kind: dspool.EventChunk, Field: "answer", Text: "Rayleigh "}, nil) ||
			!yield(dspool.Event{Kind: dspool.EventChunk, Field: "answer", Text: "scattering.", Last: true}, nil) {
			return
		}
		resp, err := e.Call(ctx, req)
		yield(dspool.Event{Kind: dspool.EventResult, Data: resp.Output, Response: &resp}, err)
	}
}

type Question struct {
	Question string `json:"question"`
}

type Answer struct {
	Answer     string  `json:"answer" dspool:"desc=one sentence,maxlen=200"`
	Confidence float64 `json:"confidence" dspool:"min=0,max=1"`
}

func ExamplePredict() {
	qa := dspool.Predict[Question, Answer]("Answer in one sentence.", dspool.WithTemperature(0.2))

	pool := echo(`{"answer":"Rayleigh scattering.","confidence":0.9}`)
	out, err := qa.Call(context.Background(), pool, Question{"Why is the sky blue?"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(out.Answer, out.Confidence)
	// Output: Rayleigh scattering. 0.9
}

func ExampleChainOfThought() {
	qa := dspool.ChainOfThought[Question, Answer]("Answer in one sentence.")

	pool := echo(`{"reasoning":"Short waves scatter more.","answer":"Rayleigh scattering.","confidence":1}`)
	res, err := qa.Do(context.Background(), pool, Question{"Why is the sky blue?"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(res.Reasoning, "->", res.Output.Answer, "by", res.Worker)
	// Output: Short waves scatter more. -> Rayleigh scattering. by w1
}

func ExampleFunc() {
	type Order struct {
		Prices []float64 `json:"prices"`
	}
	// In shop.py: def total(prices: list[float]) -> float
	total := dspool.Func[Order, float64]("shop:total", dspool.Idempotent())

	pool := echo(`41.5`)
	sum, err := total.Call(context.Background(), pool, Order{[]float64{40, 1.5}})
	fmt.Println(sum, err)
	// Output: 41.5 <nil>
}

func ExampleModule() {
	type Document struct {
		Text string `json:"text"`
	}
	type Summary struct {
		Title string   `json:"title"`
		Tags  []string `json:"tags" dspool:"maxlen=3"`
	}
	// In research.py: class Summarize(dspy.Module)
	summarize := dspool.Module[Document, Summary]("research:Summarize", dspool.WithLM("large"))

	pool := echo(`{"title":"On blue","tags":["sky","light"]}`)
	out, err := summarize.Call(context.Background(), pool, Document{"..."})
	fmt.Println(out.Title, out.Tags, err)
	// Output: On blue [sky light] <nil>
}

func ExampleMethod() {
	type Item struct {
		Name string `json:"name"`
	}
	// class Cart in shop.py has __init__(self, limit), add(self, name) and, so
	// that a cart survives its worker, the two hooks that Object names.
	carts := dspool.Object("shop:Cart", dspool.WithInit(map[string]int{"limit": 20}))
	add := dspool.Method[Item, int](carts, "add")

	cart := carts.In(echo(`3`), "customer-42", nil) // a Pool, instead of echo
	res, err := add.Do(context.Background(), cart, Item{Name: "tea"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(add, res.Output, res.Object == dspool.ObjectRestored)
	// Output: shop:Cart.add 3 false
}

func ExampleProgram_Stream() {
	qa := dspool.Predict[Question, Answer]("Answer in one sentence.")
	pool := echo(`{"answer":"Rayleigh scattering.","confidence":0.9}`)

	for u, err := range qa.Stream(context.Background(), pool, Question{"Why is the sky blue?"}) {
		switch {
		case err != nil:
			fmt.Println(err)
		case u.Kind == dspool.EventChunk:
			fmt.Print(u.Text)
		case u.Result != nil:
			fmt.Println("\nconfidence", u.Result.Output.Confidence)
		}
	}
	// Output:
	// Rayleigh scattering.
	// confidence 0.9
}

func ExampleProgram_Batch() {
	qa := dspool.Predict[Question, Answer]("Answer in one sentence.")
	pool := echo(`{"answer":"Yes.","confidence":1}`)

	items := qa.Batch(context.Background(), pool, []Question{{"One?"}, {"Two?\xff"}, {"Three?"}}, dspool.BatchConfig{Concurrency: 8})
	for _, item := range items {
		fmt.Println(item.Index, item.Result.Output.Answer, item.Err)
	}
	// Output:
	// 0 Yes. <nil>
	// 1  invalid_argument: input.question: not valid UTF-8 at byte 5
	// 2 Yes. <nil>
}

func ExampleProgram_BatchSeq() {
	qa := dspool.Predict[Question, Answer]("Answer in one sentence.")
	pool := echo(`{"answer":"Yes.","confidence":1}`)

	lines := strings.NewReplacer("\n", "?\n").Replace("One\nTwo\n")
	questions := func(yield func(Question) bool) {
		for line := range strings.Lines(lines) {
			if !yield(Question{strings.TrimSpace(line)}) {
				return
			}
		}
	}
	for item := range qa.BatchSeq(context.Background(), pool, questions, dspool.BatchConfig{}) {
		fmt.Println(item.Index, item.Result.Output.Answer)
	}
	// Output:
	// 0 Yes.
	// 1 Yes.
}

func ExampleProgram_Request() {
	qa := dspool.Predict[Question, Answer]("Answer in one sentence.")
	pool := echo(`{"answer":"Yes.","confidence":1}`)

	// The parts of Call, for what a call of its own needs.
	req, err := qa.Request(Question{"Is it?"})
	if err != nil {
		fmt.Println(err)
		return
	}
	req.LM = "cheap"
	resp, err := pool.Call(context.Background(), req)
	if err != nil {
		fmt.Println(err)
		return
	}
	res, err := qa.Result(resp)
	fmt.Println(string(req.Input), res.Output.Answer, err)
	// Output: {"question":"Is it?"} Yes. <nil>
}

func ExampleProgram_Validate() {
	type Job struct {
		LM    string   `json:"lm"` // a name that DSPy takes for itself
		Every chan int `json:"every"`
	}
	err := dspool.Predict[Job, Answer]("").Validate()
	fmt.Println(fault.CodeOf(err))
	fmt.Println(strings.Contains(err.Error(), "Job.Every: chan int cannot be expressed in JSON"))
	// Output:
	// invalid_argument
	// true
}

func ExampleNewPredict() {
	spec, err := dspool.NewPredict("text: str, k: int -> tags: list[str], score: probability", "Tag the text.")
	if err != nil {
		fmt.Println(err)
		return
	}
	pool := echo(`{"tags":["a"],"score":0.5}`)
	resp, err := pool.Call(context.Background(), dspool.Request{Program: spec, Input: json.RawMessage(`{"text":"...","k":1}`)})
	fmt.Println(string(resp.Output), err)

	_, err = dspool.NewPredict("text strng -> tags", "")
	fmt.Println(strings.SplitAfter(err.Error(), "found ")[0] + "...")
	// Output:
	// {"tags":["a"],"score":0.5} <nil>
	// invalid_argument: signature: at character 6: expected ":", "," or "->" after the field "text", found ...
}

func ExampleNewChainOfThought() {
	spec, err := dspool.NewChainOfThought("question -> answer", "", dspool.Named("qa"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(spec, spec.Kind, spec.Signature)
	// Output: qa chain_of_thought question: str -> answer: str
}

func ExampleNewFunc() {
	spec, err := dspool.NewFunc("shop:total", dspool.Exclusive())
	if err != nil {
		fmt.Println(err)
		return
	}
	definition, hash, err := spec.Definition()
	fmt.Println(string(definition), len(hash), err)
	// Output: {"kind":"func","ref":"shop:total","exclusive":true} 32 <nil>
}

func ExampleNewModule() {
	_, err := dspool.NewModule("research.py:Summarize", "text -> summary")
	fmt.Println(err)
	spec, err := dspool.NewModule("research:Summarize", "text -> summary")
	fmt.Println(spec, err)
	// Output:
	// invalid_argument: the reference "research.py:Summarize" names a file: name the module, as in "research:Summarize"
	// research:Summarize <nil>
}

func ExampleSpec_CheckInput() {
	spec, err := dspool.NewPredict("items: list[str], k: int -> answer", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = spec.CheckInput(json.RawMessage(`{"items":["a",2],"n":1}`))
	details := fault.From(err).Details
	paths := make([]string, 0, len(details))
	for path, message := range details {
		paths = append(paths, path+": "+message)
	}
	slices.Sort(paths)
	fmt.Println(strings.Join(paths, "\n"))
	// Output:
	// input.items[1]: expected a string, found the number 2
	// input.k: missing
	// input.n: unknown; known are items, k
}
