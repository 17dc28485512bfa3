package answer

import (
	"encoding/json"
	"testing"
)

func TestAnnotationsGiveValuesOfTheirType(t *testing.T) {
	t.Parallel()
	for annotation, want := range map[string]string{
		"Literal['x']":                           `"x"`,
		`Literal["it's"]`:                        `"it's"`,
		`Literal['a\'b"c']`:                      `"a'b\"c"`,
		"Literal[7]":                             "7",
		"Literal[True]":                          "true",
		"Literal[None]":                          "null",
		"NoneType":                               "null",
		"list[Literal['x']]":                     `["x", "x", "x"]`,
		"tuple[Literal[1], Literal['b']]":        `[1, "b"]`,
		"dict[str, Literal[2]]":                  `{"sea": 2, "item_2": 2}`,
		"Union[NoneType, Literal['y']]":          `"y"`,
		"Optional[dict[str, Literal['z']]]":      `{"sea": "z", "item_2": "z"}`,
		"tuple[dict[str, Literal[1]], NoneType]": `[{"sea": 1, "item_2": 1}, null]`,
		"typing.List[Literal[5]]":                "[5, 5, 5]",
	} {
		g := newGenerator([]Input{{Name: "x", Text: "sea"}}, 0)
		if got := string(g.value("v", parseAnnotation(annotation), 0).append(nil)); got != want {
			t.Errorf("%s gives %s, want %s", annotation, got, want)
		}
	}
}

func TestAnnotationsThatAreBrokenEnd(t *testing.T) {
	t.Parallel()
	for _, annotation := range []string{"", "list[", "Literal['", "Literal[", "dict[str,", "[[[[", "]]]", "a[b]c", ",,,"} {
		g := newGenerator(nil, 0)
		if got := g.value("v", parseAnnotation(annotation), 0).append(nil); !json.Valid(got) {
			t.Errorf("%q gives %s", annotation, got)
		}
	}
}
