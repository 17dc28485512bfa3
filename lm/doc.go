// Package lm carries the traffic of workers to language models.
//
// A worker never holds a provider's key and needs no network: it hands each
// finished HTTP request to the host, and an [Egress] sends it. The egress puts
// in the key, for the model's own address only, and applies what belongs to
// the model: limits, budgets, retries, a cache, a count of tokens and money.
//
// The package knows nothing of workers and of programs. Its parts are
// [Exchanger]s, one job each, that wrap one another; [New] puts them together:
//
//	cache, single flight -> budget, count -> retries -> limits -> key, HTTP
package lm
