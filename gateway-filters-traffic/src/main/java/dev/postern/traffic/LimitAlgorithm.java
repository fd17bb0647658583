package dev.postern.traffic;

/** Says what a limit should be next, from how long calls take now and without load. A pure function. */
enum LimitAlgorithm {
    /**
     * Lowers the limit by as much as calls take longer than without load, and leaves a little room to grow.
     *
     * <pre>
     *   gradient = 1.25 · time without load / time now, within 0.5 … 2
     *   limit'   = 0.8 · limit + 0.2 · (limit · gradient + √(limit · gradient))
     * </pre>
     *
     * <p>The gradient controller of Envoy's adaptive concurrency filter, with its constants: calls may take a quarter longer
     * before it matters, and the square root is what lets the limit grow at all. Smoothed as Gradient2 of Netflix'
     * concurrency-limits is: what a limit does shows only when calls have ended, and without it limit and time swing.
     */
    GRADIENT("gradient") {
        @Override
        double next(double limit, double unloaded, double now) {
            double scaled = limit * Math.max(0.5, Math.min(2, 1.25 * unloaded / now));
            return 0.8 * limit + 0.2 * (scaled + Math.sqrt(scaled));
        }
    },

    /**
     * Estimates how many calls queue inside the service, and keeps that queue short.
     *
     * <pre>
     *   queue = limit · (1 − time without load / time now)        step = log10(limit), at least 1
     *
     *   queue  0 ── step ──── 3·step ───────── 6·step ────
     *          │ +6·step │ +step │   stays as it is  │ −step
     * </pre>
     *
     * <p>TCP Vegas (Brakmo and Peterson, 1995) as VegasLimit of Netflix' concurrency-limits has it, with its constants.
     */
    VEGAS("vegas") {
        @Override
        double next(double limit, double unloaded, double now) {
            int step = Math.max(1, (int) Math.log10((int) limit));
            int queue = (int) Math.ceil(limit * (1 - Math.min(1, unloaded / now)));
            if (queue <= step) {
                return limit + 6 * step;
            }
            if (queue < 3 * step) {
                return limit + step;
            }
            return queue > 6 * step ? limit - step : limit;
        }
    };

    private final String word;

    LimitAlgorithm(String word) {
        this.word = word;
    }

    /**
     * The limit for the next span.
     *
     * @param limit the limit now, 1 or more
     * @param unloaded nanoseconds that calls take without load, more than 0
     * @param now nanoseconds that calls take now, more than 0
     */
    abstract double next(double limit, double unloaded, double now);

    @Override
    public String toString() {
        return word;
    }
}
