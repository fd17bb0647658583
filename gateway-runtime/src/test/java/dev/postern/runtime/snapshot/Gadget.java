package dev.postern.runtime.snapshot;

import dev.postern.Checked;
import dev.postern.Filter;
import dev.postern.Managed;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.Services;
import dev.postern.StateSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;

/** A filter with value equality over its name and option that records its life. */
final class Gadget implements Filter, Managed, Checked {
    final String name;
    final int option;
    List<String> life = new ArrayList<>();
    Supplier<CompletionStage<Void>> start = () -> CompletableFuture.completedFuture(null);
    List<StateSpec> state = List.of();
    List<String> problems = List.of();

    Gadget(String name, int option) {
        this.name = name;
        this.option = option;
    }

    Gadget life(List<String> newLife) {
        life = newLife;
        return this;
    }

    Gadget state(StateSpec... specs) {
        state = List.of(specs);
        return this;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public CompletionStage<Response> apply(Request request, Chain chain) {
        return chain.proceed(request);
    }

    @Override
    public List<StateSpec> state() {
        return state;
    }

    @Override
    public CompletionStage<Void> start(Services services) {
        life.add("start " + name);
        return start.get();
    }

    @Override
    public void stop() {
        life.add("stop " + name);
    }

    @Override
    public List<String> problems() {
        return problems;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Gadget that && that.name.equals(name) && that.option == option;
    }

    @Override
    public int hashCode() {
        return name.hashCode();
    }
}
