package pyenv

import (
	"log/slog"
	"os"
	"path/filepath"

	"github.com/dspool/dspool/pyworker"
)

// setup is a [Config] made ready for use, with everything that the package takes
// from its surroundings.
type setup struct {
	cfg      Config
	cache    string
	recipe   recipe
	selector string // of the recipe
	environ  environ
	places   []string // where Pythons are besides PATH
	wheels   []string // where a bundled pip may lie
	log      *slog.Logger
}

func newSetup(cfg Config) (*setup, error) {
	cache, err := CacheFolder(cfg)
	if err != nil {
		return nil, err
	}
	env := environ(os.Environ())
	made := recipeOf(cfg)
	s := &setup{
		cfg:      cfg,
		cache:    cache,
		recipe:   made,
		selector: made.selector(),
		environ:  env,
		places:   usualPlaces(env),
		wheels:   []string{"/usr/share/python-wheels/pip-*.whl"},
		log:      cfg.Logger,
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	return s, nil
}

// uv returns the path of uv, or "".
func (s *setup) uv() string { return s.environ.look("uv") }

// home is the folder of all environments that serve the recipe.
func (s *setup) home() string { return filepath.Join(s.cache, "env", s.selector) }

// pack unpacks the worker's package where that has not been done.
func (s *setup) pack() (string, error) {
	folder, err := pyworker.Unpack(s.recipe.files, filepath.Join(s.cache, "worker"))
	if err != nil {
		return "", s.cacheTrouble(err)
	}
	return folder, nil
}

// env returns the environment that r describes.
func (s *setup) env(r record) (Env, error) {
	folder := filepath.Join(s.home(), r.Folder)
	pack, err := s.pack()
	if err != nil {
		return Env{}, err
	}
	return Env{
		Python:  interpreterIn(folder),
		Package: pack,
		Version: r.Version,
		DSPy:    r.Packages["dspy"],
		Key:     r.Key,
		Folder:  folder,
		Cache:   s.cache,
		Managed: true,
	}, nil
}
