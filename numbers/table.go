package numbers

import "github.com/dspool/dspool"

// A Table has the families of one thing and reads their values. It is safe for
// concurrent use if its Sinks are. The zero value is empty.
type Table struct {
	families []Family
	groups   []group
}

// A group are the families that come from one reading.
type group struct {
	size int
	read func(sinks []Sink)
}

// A Sink takes the values of one family.
type Sink interface {
	// Put takes a value with the values of the family's labels, in their order.
	Put(value float64, labels ...string)
	// Spread takes the value of a [Histogram].
	Spread(d dspool.Distribution)
}

// Families returns what the table has, in the order of docs/METRICS.md. The
// slice is the caller's.
func (t Table) Families() []Family { return append([]Family(nil), t.families...) }

// Read takes a reading and gives every family's values to the Sink at its
// place; there must be one for each of [Table.Families]. It never blocks on a
// worker.
func (t Table) Read(sinks []Sink) {
	for _, g := range t.groups {
		g.read(sinks[:g.size])
		sinks = sinks[g.size:]
	}
}

// A row is a family that knows where its values are in a view.
type row[V any] struct {
	Family
	read func(view *V, out Sink)
}

// tabled makes a table of rows over a view.
func tabled[V any](view func() V, rows ...[]row[V]) Table {
	var t Table
	var reads []func(*V, Sink)
	for _, group := range rows {
		for _, r := range group {
			t.families = append(t.families, r.Family)
			reads = append(reads, r.read)
		}
	}
	t.groups = []group{{size: len(reads), read: func(sinks []Sink) {
		v := view()
		for i, read := range reads {
			read(&v, sinks[i])
		}
	}}}
	return t
}

// Plus returns a table with the families of both, the other's last.
func (t Table) Plus(other Table) Table {
	return Table{
		families: append(t.Families(), other.families...),
		groups:   append(append([]group(nil), t.groups...), other.groups...),
	}
}
