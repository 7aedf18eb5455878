# Makes the units of one workspace's daemon, watchbilld@NAME, from those of the only one.
s|^Description=.*|& (workspace %i)|
s|/etc/watchbill/watchbill\.yaml|/etc/watchbill/%i.yaml|
s|^StateDirectory=watchbill$|StateDirectory=watchbill-%i|
s|^BindPaths=/var/lib/watchbill$|BindPaths=/var/lib/watchbill-%i|
s|^\(LoadCredential=[^:]*:\)watchbill\.|\1watchbill.%i.|
s|/usr/bin/watchbill backup|/usr/bin/watchbill --config /etc/watchbill/%i.yaml backup|
s|/var/backups/watchbill/watchbill-|/var/backups/watchbill/%i-|
s|^ReadWritePaths=/var/lib/watchbill |ReadWritePaths=/var/lib/watchbill-%i |
s|/var/lib/watchbill/watchbill\.db|/var/lib/watchbill-%i/watchbill.db|
s|watchbilld-retry\.timer|watchbilld-retry@%i.timer|
s|^Unit=watchbilld\.service|Unit=watchbilld@%i.service|
