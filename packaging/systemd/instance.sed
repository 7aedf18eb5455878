# Makes the units of one workspace's daemon, watchbilld@NAME, from those of the only one.
s|^Description=.*|& (workspace %i)|
s|/etc/watchbill/watchbill\.yaml|/etc/watchbill/%i.yaml|
s|^StateDirectory=watchbill$|StateDirectory=watchbill-%i|
s|^BindPaths=/var/lib/watchbill$|BindPaths=/var/lib/watchbill-%i|
s|^\(LoadCredential=[^:]*:\)watchbill\.|\1watchbill.%i.|
s|watchbilld-retry\.timer|watchbilld-retry@%i.timer|
s|^Unit=watchbilld\.service|Unit=watchbilld@%i.service|
