package cli

import (
	"fmt"

	"github.com/spf13/pflag"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/dspooltest"
	"github.com/dspool/dspool/fault"
)

// practiceName is the model to name for a practice LM inside this process.
const practiceName = "practice"

// languageFlags choose the language model of a command.
type languageFlags struct {
	model, base string
}

func (f *languageFlags) register(set *pflag.FlagSet) {
	set.StringVar(&f.model, "lm", "", "`model` as provider/name, or \"practice\" for the built-in one (default: $DSPOOL_LM)")
	set.StringVar(&f.base, "lm-base", "", "`URL` of an OpenAI-compatible API (default: $DSPOOL_LM_BASE)")
}

// A language is the language model of a command. Close ends what runs for it.
type language struct {
	lm       dspool.LM
	practice *dspooltest.PracticeLM // nil for a real one
}

// String says which it is.
func (l language) String() string {
	if l.practice != nil {
		return "the practice LM (built in, answers are made up)"
	}
	return l.lm.String()
}

func (l language) close() error {
	if l.practice == nil {
		return nil
	}
	return l.practice.Close()
}

// language finds the language model: the flags', else the environment's. With
// neither it is the practice LM where that is allowed, else an empty one.
func (f languageFlags) language(practice bool, behaviour dspooltest.Behaviour) (language, error) {
	lm, configured := dspool.LMFromEnv()
	if f.model != "" {
		lm.Model = f.model
	}
	if f.base != "" {
		lm.APIBase = f.base
	}
	switch {
	case f.model == practiceName && f.base == "", practice && !configured && f.model == "" && f.base == "":
		return newPractice(behaviour)
	case lm.Model == "" && lm.APIBase != "":
		lm.Model = "openai/default"
	}
	return language{lm: lm}, nil
}

func newPractice(behaviour dspooltest.Behaviour) (language, error) {
	server := dspooltest.NewPracticeLM(dspooltest.PracticeConfig{Behaviour: behaviour})
	if err := server.Start(); err != nil {
		return language{}, fault.Wrap(fault.Unavailable, err, "the practice LM cannot listen on this machine")
	}
	retries := 0
	lm := dspool.LM{Model: "openai/practice", APIBase: server.URL(), APIKey: "none", Retries: &retries}
	return language{lm: lm, practice: server}, nil
}

// noLanguage is the error of a program that needs a language model and has
// none.
func noLanguage() error {
	return fault.New(fault.LMNotConfigured, fmt.Sprintf("no language model is configured: set DSPOOL_LM (for example openai/gpt-4o-mini, with its "+
		"usual key variable) or DSPOOL_LM_BASE, or give --lm or --lm-base; --lm %s answers without a provider", practiceName))
}
