package dev.postern.runtime.corpus;

import dev.postern.runtime.corpus.TapOrigin.Tapped;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Real HTTP servers, to find out whether they all understand one request in the bytes that the gateway sent, and the same
 * one: method, target, host, body, and its end.
 */
final class Garden {
    private final List<Plant> plants;

    Garden(List<Plant> plants) {
        this.plants = plants;
    }

    /** Everything that differs, in words; empty when all agree with the strict reader of the origin. */
    List<String> compare(Collection<Tapped> requests) throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(Math.min(4, plants.size()));
        try {
            List<Callable<List<String>>> walks = new ArrayList<>();
            for (Plant plant : plants) {
                walks.add(() -> walk(plant, requests));
            }
            List<String> differences = new ArrayList<>();
            for (Future<List<String>> walk : threads.invokeAll(walks)) {
                differences.addAll(walk.get());
            }
            return differences;
        } finally {
            threads.shutdownNow();
        }
    }

    private static List<String> walk(Plant plant, Collection<Tapped> requests) throws Exception {
        List<String> differences = new ArrayList<>();
        for (Tapped request : requests) {
            List<Seen> seen = plant.see(request.bytes());
            List<Seen> expected = List.of(request.seen(), Plant.LAST);
            if (!seen.equals(expected) && !Quirks.excuses(plant, request.seen(), seen)) {
                differences.add(plant + " saw " + seen + " in "
                        + new String(request.bytes(), java.nio.charset.StandardCharsets.ISO_8859_1)
                                .replaceAll("(?s)X-Forwarded-For.*?host: [0-9.:]*\r\n", "…"));
            }
        }
        return differences;
    }

    void stop() throws Exception {
        for (Plant plant : plants) {
            plant.stop();
        }
    }
}
