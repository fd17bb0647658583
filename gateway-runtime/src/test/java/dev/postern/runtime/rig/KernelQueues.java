package dev.postern.runtime.rig;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** What the kernel holds of loopback connections: sent and not taken yet. Linux only. */
public final class KernelQueues {
    private static final List<Path> TABLES = List.of(Path.of("/proc/net/tcp"), Path.of("/proc/net/tcp6"));

    private KernelQueues() {}

    /** Whether this machine tells. */
    public static boolean areKnown() {
        return Files.isReadable(TABLES.get(0));
    }

    /** Bytes in the queues of all connections from or to one of these ports. */
    public static long bytes(int... ports) throws IOException {
        long sum = 0;
        for (Path table : TABLES) {
            if (!Files.isReadable(table)) {
                continue;
            }
            List<String> lines = Files.readAllLines(table);
            for (String line : lines.subList(1, lines.size())) {
                // sl local remote state sent:received …
                String[] fields = line.strip().split("\\s+");
                boolean established = !fields[3].equals("0A");
                if (established && (isOneOf(port(fields[1]), ports) || isOneOf(port(fields[2]), ports))) {
                    String[] queues = fields[4].split(":");
                    sum += Long.parseLong(queues[0], 16) + Long.parseLong(queues[1], 16);
                }
            }
        }
        return sum;
    }

    private static int port(String address) {
        return Integer.parseInt(address.substring(address.lastIndexOf(':') + 1), 16);
    }

    private static boolean isOneOf(int port, int... ports) {
        for (int one : ports) {
            if (one == port) {
                return true;
            }
        }
        return false;
    }
}
