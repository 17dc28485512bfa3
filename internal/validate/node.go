package validate

import (
	"math/big"
	"regexp"
	"strings"
)

// kinds is a set of the kinds of JSON values.
type kinds uint8

const (
	isNull kinds = 1 << iota
	isBool
	isInteger // a number without a fraction, however it is written
	isNumber  // any number
	isString
	isArray
	isObject

	isAny = isNull | isBool | isInteger | isNumber | isString | isArray | isObject
)

// String names the kinds as a reader would.
func (k kinds) String() string {
	var names []string
	for _, each := range []struct {
		kind kinds
		name string
	}{
		{isString, "a string"},
		{isInteger, "an integer"},
		{isNumber, "a number"},
		{isBool, "true or false"},
		{isArray, "an array"},
		{isObject, "an object"},
		{isNull, "null"},
	} {
		if k&each.kind != 0 && (each.kind != isInteger || k&isNumber == 0) {
			names = append(names, each.name)
		}
	}
	return strings.Join(names, " or ")
}

// A node is one compiled schema. A nil node accepts every value.
type node struct {
	own    bool // there is more to check than anyOf and allOf
	kinds  kinds
	enum   *enumeration
	text   *textRule
	number *numberRule
	array  *arrayRule
	object *objectRule
	anyOf  []*node // at least one
	allOf  []*node // every one
	never  bool    // the schema false
}

// textRule limits strings.
type textRule struct {
	min, max int // in characters; max -1: none
	pattern  *regexp.Regexp
	format   string
	shape    *shape // of the formats that have one
	base64   bool
}

// numberRule limits numbers. Bounds are exact decimals.
type numberRule struct {
	min, max    *bound
	over, under *bound // exclusive
	multiple    *bound
}

// A bound is a limit in the forms that its checks need.
type bound struct {
	rat   *big.Rat
	float float64
	text  string
}

// arrayRule limits arrays.
type arrayRule struct {
	prefix   []*node
	items    *node
	closed   bool // nothing may follow the prefix
	min, max int  // max -1: none
	unique   bool
}

// objectRule limits objects.
type objectRule struct {
	members  map[string]int // index into list
	list     []member
	closed   bool  // no members but these
	rest     *node // for other members
	keys     *node // for the names of other members
	min, max int   // max -1: none
}

// A member is a property that a schema names.
type member struct {
	name     string
	node     *node
	required bool
	fallback string // JSON that stands in when the member is missing, or ""
}

// enumeration lists the values that a schema admits.
type enumeration struct {
	texts  map[string]bool
	others map[string]bool // canonical JSON
	shown  string
}
