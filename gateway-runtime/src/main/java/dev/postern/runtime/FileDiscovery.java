package dev.postern.runtime;

import dev.postern.Discovery;
import dev.postern.Endpoint;
import dev.postern.Services;
import dev.postern.runtime.discovery.Sources;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Endpoints from a JSON file that is read again every second, also when it is a mounted Kubernetes config map:
 *
 * <pre>
 * ["http://10.0.0.7:8081", {"uri": "http://10.0.0.8:8081", "weight": 3, "labels": {"zone": "eu-1"}}]
 * </pre>
 *
 * <p>A file that is missing, malformed, empty, or has one bad entry changes nothing: the endpoints known stay in use and the
 * log says so once. Replace the file in one move ({@code mv}); a list that loses more than half at once is read a second
 * time first.
 *
 * <p>Immutable; each method gives a changed copy. Two are equal when they read the same file as often.
 */
public final class FileDiscovery implements Discovery {
    private final Path file;
    private final Duration interval;

    private FileDiscovery(Path file, Duration interval) {
        this.file = file;
        this.interval = interval;
    }

    /** Reads this file every second. */
    public static FileDiscovery json(Path file) {
        return new FileDiscovery(Objects.requireNonNull(file, "file"), Duration.ofSeconds(1));
    }

    /** The pause between two readings, 1 second or more, spread by ±10 %; the default is 1 second. */
    public FileDiscovery interval(Duration newInterval) {
        return new FileDiscovery(file, Intervals.atLeastASecond("interval", newInterval));
    }

    @Override
    public Watch watch(Services services, Consumer<List<Endpoint>> endpoints) {
        return Sources.file(services, endpoints, toString(), file, interval);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof FileDiscovery that && that.file.equals(file) && that.interval.equals(interval);
    }

    @Override
    public int hashCode() {
        return Objects.hash(file, interval);
    }

    @Override
    public String toString() {
        return "endpoint file " + file;
    }
}
