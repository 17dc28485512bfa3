package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/signature"
)

func TestInputsTakeTheTypeOfTheirField(t *testing.T) {
	t.Parallel()
	sig, err := signature.Parse("s: str, n: int, f: float, b: bool, l: list[str], d: dict[str, int], o: Optional[str], " +
		"u: int | str, e: Literal['1', 'x'], any: Any, raw: bytes -> out")
	if err != nil {
		t.Fatal(err)
	}
	for arg, want := range map[string]string{
		"s=5":                     `"5"`,
		"s=":                      `""`,
		"s=a=b":                   `"a=b"`,
		"s=@home":                 `"@home"`,
		"n=5":                     `5`,
		"n=123456789012345678901": `123456789012345678901`,
		"n=five":                  `"five"`,
		"f=0.5":                   `0.5`,
		"b=yes":                   `true`,
		"b=False":                 `false`,
		"b=perhaps":               `"perhaps"`,
		`l=["a", "b"]`:            `["a", "b"]`,
		`d={"a": 1}`:              `{"a": 1}`,
		"o=null":                  `null`,
		"o=5":                     `"5"`,
		"u=5":                     `5`,
		"u=five":                  `"five"`,
		"e=1":                     `"1"`,
		"any=5":                   `5`,
		"any=five":                `"five"`,
		"raw=hi":                  `"aGk="`,
		"unknown=5":               `5`,
	} {
		got, err := readInputs([]string{arg}, nil, sig)
		if err != nil {
			t.Errorf("%s: %v", arg, err)
			continue
		}
		var inputs map[string]json.RawMessage
		if err := json.Unmarshal(got, &inputs); err != nil {
			t.Fatal(err)
		}
		name, _, _ := strings.Cut(arg, "=")
		if compacted(t, inputs[name]) != compacted(t, json.RawMessage(want)) {
			t.Errorf("%s gives %s, want %s", arg, inputs[name], want)
		}
	}
}

func compacted(t *testing.T, raw json.RawMessage) string {
	t.Helper()
	return plainValue(json.RawMessage("[" + string(raw) + "]"))
}

func TestInputsAreJoinedFromArgumentsFilesAndStandardInput(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "in.json")
	if err := os.WriteFile(file, []byte(`{"a": 1, "b": 2}`), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := readInputs([]string{"a=0", "@" + file, "-", "c=5"}, strings.NewReader(`{"b": 3}`), nil)
	if err != nil || string(got) != `{"a":1,"b":3,"c":5}` {
		t.Errorf("%s, %v", got, err)
	}
	if got, err := readInputs(nil, nil, nil); err != nil || string(got) != "{}" {
		t.Errorf("no inputs: %s, %v", got, err)
	}
}

func TestInputsThatCannotBeReadSayWhy(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ arg, stdin, want string }{
		"no name":      {"=5", "", "NAME=VALUE"},
		"no value":     {"question", "", "NAME=VALUE"},
		"no file":      {"@/does/not/exist.json", "", "/does/not/exist.json"},
		"empty stdin":  {"-", "", "there is nothing"},
		"broken stdin": {"-", "{", "a JSON object was expected"},
		"list":         {"-", "[1]", "expected, found an array"},
	} {
		_, err := readInputs([]string{c.arg}, strings.NewReader(c.stdin), nil)
		if fault.CodeOf(err) != fault.InvalidArgument || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
