package bench

import (
	"context"
	"errors"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/internal/process"
)

// The shape of the measurements of predictions, as the project promises them.
const (
	predictWorkers = 2
	predictCallers = 256
	predictRounds  = 5
	// A closed loop loses its callers' first and last 100 ms: rounds are long.
	predictRound = 2 * time.Second

	fastapiTarget   = 3
	asyncioTarget   = 5
	pythonCPUTarget = 0.8
)

// predict measures predictions with a language model that takes 100 ms, next
// to the peers if there are any, and what the egress adds to one request.
func (b *bencher) predict(ctx context.Context) (figures []Figure, err error) {
	b.children = process.NewLauncher()
	defer func() { err = errors.Join(err, b.children.Close()) }()
	base, err := b.practiceProcess(ctx)
	if err != nil {
		return nil, err
	}
	us, err := b.ourselves(ctx, base)
	if err != nil {
		return nil, err
	}
	rivals := []*rival{&us.rival}
	defer func() { err = errors.Join(err, stopAll(rivals)) }()
	peers, err := b.peers(ctx, base)
	if err != nil {
		return nil, err
	}
	rivals = append(rivals, peers...)
	if err := takeTurns(ctx, rivals, predictRounds, b.during(predictRound)); err != nil {
		return nil, err
	}
	added, err := b.egressAdded(ctx, us.pool, base)
	if err != nil {
		return nil, err
	}
	return append(us.figures(peers), added), nil
}

// practiceProcess starts a practice LM as a process of its own and returns its
// address. It ends with the launcher.
func (b *bencher) practiceProcess(ctx context.Context) (string, error) {
	c, err := b.start(ctx, "the practice LM", process.Spec{Path: b.Binary, Args: []string{PracticeCommand}})
	if err != nil {
		return "", err
	}
	return c.line(ctx)
}

// figures are the ratios to the peers, and the processor time of a prediction.
func (o *ourselves) figures(peers []*rival) []Figure {
	var figures []Figure
	for _, peer := range peers {
		f := Figure{
			Name: "asyncio_ratio", Unit: "ratio", Target: asyncioTarget, AtLeast: true,
			Compared: "one asyncio process with DSPy's own client, 256 tasks",
		}
		if peer.name == "fastapi" {
			f.Name, f.Target, f.Compared = "fastapi_ratio", fastapiTarget, "FastAPI + uvicorn --workers 2 with acall, 256 callers"
		}
		f.Value = median(ratios(o.rates, peer.rates))
		f.Raw = map[string]float64{"predictions_per_s": median(o.rates), peer.name + "_predictions_per_s": median(peer.rates)}
		figures = append(figures, f)
	}
	if o.unknown || o.predictions == 0 {
		return figures
	}
	return append(figures, Figure{
		Name: "python_cpu_ms", Value: millis(o.cpu) / o.predictions, Unit: "ms", Target: pythonCPUTarget,
		Compared: "nothing: processor time of 2 workers for each prediction, 256 callers",
		Raw:      map[string]float64{"predictions_per_s": median(o.rates)},
	})
}

// ratios divides round by round.
func ratios(ours, theirs []float64) []float64 {
	list := make([]float64, 0, len(ours))
	for i := range ours {
		list = append(list, ours[i]/theirs[i])
	}
	return list
}

// withOptions returns the model with options of the practice LM in its name.
func withOptions(lm dspool.LM, options string) dspool.LM {
	lm.Model += "?" + options
	return lm
}
