package dev.postern.runtime.observe;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;

/** Registers the meters of {@link GatewayMeter} with the labels that stand there, in that order. Safe on any thread. */
final class Meters {
    private final MeterRegistry registry;
    private final Tags common;

    Meters(MeterRegistry registry, Tags common) {
        this.registry = registry;
        this.common = common;
    }

    Timer timer(GatewayMeter meter, String... labels) {
        return Timer.builder(meter.meter())
                .description(meter.meaning())
                .tags(tags(meter, labels))
                .register(registry);
    }

    Counter counter(GatewayMeter meter, String... labels) {
        return Counter.builder(meter.meter())
                .description(meter.meaning())
                .baseUnit(meter.unit())
                .tags(tags(meter, labels))
                .register(registry);
    }

    /**
     * A gauge; the registry does not keep {@code source} alive. It takes the place of one that an earlier gateway left
     * behind: registering alone would give back that one, whose source is gone.
     */
    <T> Gauge gauge(GatewayMeter meter, T source, ToDoubleFunction<T> value, String... labels) {
        String unit = meter.unit().isEmpty() ? null : meter.unit();
        Tags tags = tags(meter, labels);
        registry.removeByPreFilterId(new Meter.Id(meter.meter(), tags, unit, null, Meter.Type.GAUGE));
        return Gauge.builder(meter.meter(), source, value)
                .description(meter.meaning())
                .baseUnit(unit)
                .tags(tags)
                .register(registry);
    }

    /** A counter whose number is somebody else's. As for gauges. */
    <T> FunctionCounter total(GatewayMeter meter, T source, ToDoubleFunction<T> value, String... labels) {
        Tags tags = tags(meter, labels);
        registry.removeByPreFilterId(new Meter.Id(meter.meter(), tags, meter.unit(), null, Meter.Type.COUNTER));
        return FunctionCounter.builder(meter.meter(), source, value)
                .description(meter.meaning())
                .baseUnit(meter.unit())
                .tags(tags)
                .register(registry);
    }

    void remove(Iterable<? extends Meter> all) {
        all.forEach(registry::remove);
    }

    private Tags tags(GatewayMeter meter, String... labels) {
        List<Tag> tags = new ArrayList<>();
        for (int i = 0; i < labels.length; i++) {
            tags.add(Tag.of(meter.labels().get(i), labels[i]));
        }
        return common.and(tags);
    }
}
