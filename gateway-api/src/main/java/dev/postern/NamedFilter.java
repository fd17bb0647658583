package dev.postern;

import dev.postern.spi.Wrapper;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletionStage;

/** A filter under a name of its own. Equal when name and filter are: two lambdas never are, the plan calls them opaque. */
record NamedFilter(String name, Filter filter) implements Filter, Managed, Checked, Wrapper {
    NamedFilter {
        Objects.requireNonNull(filter, "filter");
        if (name.isBlank()) {
            throw new IllegalArgumentException("filter name: \"" + name + "\" (expected: not blank)");
        }
    }

    @Override
    public CompletionStage<Response> apply(Request request, Chain chain) {
        return filter.apply(request, chain);
    }

    @Override
    public Object wrapped() {
        return filter;
    }

    @Override
    public List<StateSpec> state() {
        return filter instanceof Managed managed ? managed.state() : List.of();
    }

    @Override
    public CompletionStage<Void> start(Services services) {
        return filter instanceof Managed managed ? managed.start(services) : Managed.super.start(services);
    }

    @Override
    public void stop() {
        if (filter instanceof Managed managed) {
            managed.stop();
        }
    }

    @Override
    public List<String> problems() {
        return filter instanceof Checked checked ? checked.problems() : List.of();
    }

    @Override
    public List<String> upstreams() {
        return filter instanceof Checked checked ? checked.upstreams() : List.of();
    }

    @Override
    public String toString() {
        return name;
    }
}
